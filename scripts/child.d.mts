/** A failure that is told in one sentence, without a stack. */
export class Sentence extends Error {}
