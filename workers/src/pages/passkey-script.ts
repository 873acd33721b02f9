/**
 * The only script there is: it asks the browser for a passkey and sends the answer with the form. It stands in the page under a
 * nonce, knows nothing but the form's own attributes, and where it does not run, the form stays hidden.
 */
export const passkeyScript = `(() => {
  const form = document.querySelector('form[data-passkey]')
  const Passkeys = window.PublicKeyCredential
  const isNew = form.dataset.passkey === 'create'
  const parse = Passkeys && (isNew ? Passkeys.parseCreationOptionsFromJSON : Passkeys.parseRequestOptionsFromJSON)
  if (!parse) return
  const publicKey = parse.call(Passkeys, JSON.parse(form.dataset.options))
  const problem = document.getElementById('passkey-problem')
  let asking
  const ask = async (mediation) => {
    if (asking) asking.abort()
    asking = new AbortController()
    const asked = { publicKey, mediation, signal: asking.signal }
    const made = await (isNew ? navigator.credentials.create(asked) : navigator.credentials.get(asked))
    form.elements.credential.value = JSON.stringify(made)
    form.submit()
  }
  document.getElementById('no-passkeys').hidden = true
  form.hidden = false
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    problem.hidden = true
    ask().catch((error) => {
      problem.textContent = error.name === 'InvalidStateError' ? problem.dataset.known : problem.dataset.none
      problem.hidden = false
    })
  })
  if (form.dataset.conditional && Passkeys.isConditionalMediationAvailable)
    Passkeys.isConditionalMediationAvailable().then((is) => is && ask('conditional')).catch(() => {})
})()`
