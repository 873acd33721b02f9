import type { Context } from 'hono'
import type { AppEnv, AppVariables } from '../context.ts'
import type { Frame } from '../pages/layout.tsx'
import type { Mail } from '../pages/mail.tsx'
import type { Circumstances } from '../pages/mails.ts'
import { isLanguage } from '../pages/messages/language-tags.ts'
import { messagesIn } from '../pages/messages/languages.ts'
import { exactMoment } from '../pages/moment.tsx'
import { placeOf } from './account-view.ts'
import { hostOf } from './consent-view.ts'
import { describeCause } from './log.ts'
import { frameOf } from './transaction-pages.tsx'

/** After the answer, so that its time tells nothing of the address, and a carrier that fails fails nothing else (SECURITY §16). */
export function mailLater(c: Context<AppEnv>, to: string, mail: Mail): void {
  const { sendEmail, log, requestId } = c.var
  const sent = sendEmail({ to, ...mail }).catch((cause: unknown) => {
    log({ level: 'error', request_id: requestId, reason: 'email_not_sent', cause: describeCause(cause) })
  })
  c.executionCtx.waitUntil(sent)
}

/** Where and when this request comes from, in the words of a mail. */
export function circumstancesOf(c: Context<AppEnv>, { messages }: Frame): Circumstances {
  const nowSeconds = Math.floor(c.var.clock() / 1000)
  return { place: placeOf(c.var.requestFacts, messages), moment: exactMoment(nowSeconds, messages.language) }
}

/** For mails that no request causes. */
export function frameFor({ issuer, serviceName }: AppVariables['config'], language = 'en'): Frame {
  return { issuerHost: hostOf(issuer), serviceName, messages: messagesIn(isLanguage(language) ? language : 'en') }
}

/** For mails that a program causes: in the language of the person's last sign-in. */
export function frameIn(c: Context<AppEnv>, language: string | undefined): Frame {
  const frame = frameOf(c)
  return language !== undefined && isLanguage(language) ? { ...frame, messages: messagesIn(language) } : frame
}
