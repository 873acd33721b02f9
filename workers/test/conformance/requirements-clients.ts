import { of, type Requirement } from './requirement.ts'

const registration = of('rfc7591', 'RFC 7591')
const assertions = of('rfc7523', 'RFC 7523')
const core = of('rfc6749', 'RFC 6749')
const openid = of('oidc-core', 'OpenID Connect Core')

const registrationRequirements = [
  registration.must('3-json', '§3.1', 'The registration endpoint takes POST with JSON.'),
  registration.must('3.2.1-answer', '§3.2.1', 'The answer is 201 with client_id and all that was registered.'),
  registration.must('3.2.1-secret-expires', '§3.2.1', 'client_secret_expires_at comes with every secret.'),
  registration.must('3.2.2-redirect-uris', '§3.2.2', 'Redirect URIs that cannot be used are invalid_redirect_uri.'),
  registration.must('3.2.2-metadata', '§3.2.2', 'Metadata that cannot be used are invalid_client_metadata.'),
  registration.must('2-unknown', '§2', 'Members that are not understood are ignored.'),
  registration.must('2-redirect-uris', '§2', 'A client of the code flow registers its redirect URIs.'),
  registration.must('2-basic-default', '§2', 'Without token_endpoint_auth_method it is client_secret_basic.'),
  registration.must('2-jwks-or-uri', '§2', 'jwks and jwks_uri are not both registered.'),
  registration.should('2-name', '§2', 'client_name is shown to the person.'),
  registration.should('5-unverified', '§5', 'The person is warned that nobody verified a name that a client chose.'),
]

const authenticationRequirements = [
  core.must('3.2.1-authentication', '§3.2.1', 'A client with credentials authenticates at the token endpoint.'),
  core.must('2.3.1-basic', '§2.3.1', 'A secret may come by HTTP Basic, form-encoded.'),
  core.may('2.3.1-body', '§2.3.1', 'A secret may come in the body.'),
  core.must('2.3-one-method', '§2.3', 'A request uses one method of authentication only.'),
  assertions.must('3-iss-sub', '§3', 'iss and sub of a client’s assertion are its client_id.'),
  assertions.must('3-aud', '§3', 'aud names this authorization server.'),
  assertions.must('3-exp', '§3', 'An assertion has an expiry, and is refused after it.'),
  assertions.must('3-signature', '§3', 'A signature by another key is refused.'),
  assertions.must('3.2-invalid-client', '§3.2', 'A bad assertion is invalid_client.'),
  openid.must('9-jti', '§9', 'An assertion is used once.'),
]

export const clientRequirements: readonly Requirement[] = [...registrationRequirements, ...authenticationRequirements]
