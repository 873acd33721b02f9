/**
 * Says what is being done once it takes longer than a second, and again every five, so that silence never lasts.
 * @template Result
 * @param {string} what lower case, without a full stop: "installing packages"
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withProgress(what, work) {
  const startedAtMs = Date.now()
  const say = () => console.error(`  … ${what} (${Math.round((Date.now() - startedAtMs) / 1000)} s)`)
  let every
  const first = setTimeout(() => {
    say()
    every = setInterval(say, 5000)
  }, 1000)
  try {
    return await work()
  } finally {
    clearTimeout(first)
    clearInterval(every)
  }
}
