import { alarmOf } from './alarms.ts'
import type { Log, LogLine } from './log.ts'
import { knownMethod } from './metrics.ts'

/** Workers Analytics Engine, as far as it is written to. */
export type Dataset = {
  readonly writeDataPoint: (point: { indexes: string[]; blobs: string[]; doubles: number[] }) => void
}

export function isDataset(binding: unknown): binding is Dataset {
  return (
    typeof binding === 'object' &&
    binding !== null &&
    'writeDataPoint' in binding &&
    typeof binding.writeDataPoint === 'function'
  )
}

/**
 * One data point a log line, with the same closed fields. blob1 route or job, blob2 method, blob3 status, blob4 reason, blob5 event,
 * blob6 alarm; double1 milliseconds, double2 database calls. The index is blob1, by which the platform samples.
 */
export function analyticsLog(dataset: Dataset): Log {
  return (line) => dataset.writeDataPoint(pointOf(line))
}

function pointOf(line: LogLine) {
  const alarm = alarmOf(line) ?? ''
  if ('route' in line) {
    const { route, method, status, reason = '', event = '', ms, database_calls } = line
    const blobs = [route, knownMethod(method), status.toString(), reason, event, alarm]
    return { indexes: [route], blobs, doubles: [ms, database_calls] }
  }
  if ('job' in line) {
    const { job, level, ms, database_calls } = line
    const blobs = [job, '', level === 'error' ? 'failed' : 'succeeded', '', '', alarm]
    return { indexes: [job], blobs, doubles: [ms, database_calls] }
  }
  return { indexes: ['mail'], blobs: ['mail', '', '', line.reason, '', alarm], doubles: [0, 0] }
}
