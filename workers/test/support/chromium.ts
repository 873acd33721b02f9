import { type Browser, chromium } from 'playwright-core'
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
