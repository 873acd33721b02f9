import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

/**
 * Where the one version stands: what has the same number was tested together. The contract between SDKs and server has the
 * first two parts, because a patch may not change it.
 */
const places = [
  { file: 'sdk/typescript/package.json', shape: /^( {2}"version": ")(.+)(",)$/m, isWhole: true },
  { file: 'sdk/python/pyproject.toml', shape: /^(version = ")(.+)(")$/m, isWhole: true },
  { file: 'workers/package.json', shape: /^( {2}"version": ")(.+)(",)$/m, isWhole: true },
  { file: 'sdk/contract/defaults.json', shape: /^( {2}"contract_version": ")(.+)(",)$/m, isWhole: false },
] as const

export type Versions = { readonly [file: string]: string }

export function readVersions(folder: string = root): Versions {
  return Object.fromEntries(
    places.map(({ file, shape }) => [file, shape.exec(readFileSync(join(folder, file), 'utf8'))?.[2] ?? 'none']),
  )
}

/** What each place says for this version. */
export function versionsFor(version: string): Versions {
  const contract = version.split('.').slice(0, 2).join('.')
  return Object.fromEntries(places.map(({ file, isWhole }) => [file, isWhole ? version : contract]))
}

export function writeVersions(version: string, folder: string = root): void {
  for (const [file, wanted] of Object.entries(versionsFor(version))) {
    const shape = places.find((place) => place.file === file)?.shape ?? /$^/
    const path = join(folder, file)
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(shape, (_, before, _old, after) => `${before}${wanted}${after}`),
    )
  }
}
