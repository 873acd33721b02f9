/**
 * How many strangers' hosts a scheduled run calls at the same time. A Worker may wait for six connections at once, and a name
 * is looked up over two: a seventh waits in line, and its host would be taken for one that does not answer.
 */
export const hostsAtOnce = 3
