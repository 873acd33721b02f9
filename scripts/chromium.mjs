import { existsSync } from 'node:fs'
import { runQuietly } from './child.mjs'
import { withProgress } from './progress.mjs'

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/microsoft-edge',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
]

/** The path of a browser that tests can drive, or undefined; `CHROMIUM_PATH` names another one. */
export function findChromium() {
  return [process.env.CHROMIUM_PATH ?? '', ...usualPlaces].find((path) => path !== '' && existsSync(path))
}

/** Installs Chromium where none is found and the system lets us; tests say themselves when there is still none. */
export async function installChromium() {
  if (findChromium() !== undefined || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // A download may break off, and the system may be installing something itself.
  const patience = ['-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=120']
  const aptGet = (...args) => runQuietly('apt-get', [...patience, ...args], { env })
  const { code, output } = await withProgress('installing Chromium', async () => {
    await aptGet('update')
    return aptGet('install', '-y', '--no-install-recommends', 'chromium')
  })
  if (code !== 0)
    console.error(`apt-get could not install Chromium:\n${output.trim().split('\n').slice(-5).join('\n')}`)
}
