import type { Config } from './config.ts'
import type { UnavailableReason } from './introspection.ts'
import type { Clock } from './single-flight.ts'
export type Trouble = UnavailableReason | 'misaddressed' | 'defect'
/** Tells the owner of trouble, each kind at most once a minute. */
export type Report = (trouble: Trouble) => void
export declare function createReport(config: Config, clock: Clock): Report
