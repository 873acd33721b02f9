import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core'
import { findChromium } from '../../../scripts/chromium.mjs'

/** Starts the browser that lies where such browsers usually lie; `CHROMIUM_PATH` names another one. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    throw new Error(
      'No Chromium, Chrome or Edge was found. Install one (apt-get install chromium) or set CHROMIUM_PATH.',
    )
  }
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
  args.push('--disable-background-networking', '--disable-component-update', '--disable-sync')
  return chromium.launch({ executablePath, args })
}

/** A window of its own. It waits for as long as a test may take: a busy machine is no failure of ours. */
export async function openContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(100_000)
  return context
}
