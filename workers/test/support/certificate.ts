import { generate } from 'selfsigned'

/** PEM. */
export type Certificate = { readonly certificate: string; readonly key: string }

/** A certificate for servers on this machine, which only those trust who are told to. */
export async function makeLoopbackCertificate(): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  return { certificate: cert, key }
}
