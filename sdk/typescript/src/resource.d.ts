import { type Config } from './config.ts'
import { type Clock } from './single-flight.ts'
/** What this server is to OAuth: a protected resource (RFC 9728). Made from configuration alone. */
export type Resource = Readonly<{
  /** The registered URL: `resource` in the metadata, `aud` in tokens. */
  serverUrl: string
  metadataUrl: string
  /** The paths at which the document is served: the path form and the root form. */
  metadataPaths: readonly string[]
  document: string
}>
/** Gives the resource, or undefined while the issuer has not told its URL. */
export type ReadResource = () => Promise<Resource | undefined>
export declare const METADATA_PATH = '/.well-known/oauth-protected-resource'
/** Reads `serverUrl` once from the issuer where the owner has not given it; at most one failing call in 5 seconds. */
export declare function createReadResource(config: Config, clock: Clock, failed: () => void): ReadResource
