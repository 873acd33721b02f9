#!/bin/sh
# The README's story with curl: an owner registers a server, a person signs in and approves, a program calls the
# server, and access is taken away again. Run it while `npm start` is running, from anywhere:
#
#   ./test-oauth-flow.sh
#   BASE_URL=http://localhost:9400 MAILBOX_URL=http://localhost:54324 ./test-oauth-flow.sh
#
# Needs curl and node. It prints what each step checked and stops with a non-zero status at the first surprise.
# shellcheck disable=SC2016 # the dollar signs in single quotes are JavaScript's
set -eu

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0"
}
case ${1:-} in
  '') ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    printf 'It takes no arguments.\n\n%s\n' "$(usage)" >&2
    exit 2
    ;;
esac

BASE_URL=${BASE_URL:-http://localhost:9400}
BASE_URL=${BASE_URL%/}
MAILBOX_URL=${MAILBOX_URL:-http://localhost:54324}
MAILBOX_URL=${MAILBOX_URL%/}
root=$(cd "$(dirname "$0")" && pwd)
for url in "BASE_URL=$BASE_URL" "MAILBOX_URL=$MAILBOX_URL"; do
  case $url in
    *=http://?* | *=https://?*) ;;
    *)
      printf 'FAILED: %s is no URL: it begins with http:// or https://\n' "$url" >&2
      exit 2
      ;;
  esac
done

# ---------------------------------------------------------------- the tools of this script

work=$(mktemp -d)
example_pid=
server_id=
management_token=
step_number=0
what='starting'

clean_up() {
  outcome=$?
  trap - EXIT INT TERM
  [ "$outcome" = 0 ] || printf 'Stopped at step %d: %s\n' "$step_number" "$what" >&2
  if [ -n "$example_pid" ]; then
    kill "$example_pid" 2>/dev/null || :
    wait "$example_pid" 2>/dev/null || :
  fi
  if [ -n "$server_id" ]; then
    curl -sS -o /dev/null --max-time 5 -X DELETE -H "Authorization: Bearer $management_token" \
      "$BASE_URL/api/servers/$server_id" 2>/dev/null || :
  fi
  rm -rf "$work"
  exit "$outcome"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() {
  step_number=$((step_number + 1))
  what=$1
}

passed() {
  printf '%2d. %s\n' "$step_number" "$what"
  for line in "$@"; do printf '      %s\n' "$line"; done
}

# Of a page only what a person reads, without its stylesheet.
readable() {
  sed -e 's/<style.*<\/style>//' -e 's/<[^>]*>/ /g'
}

forget_answer() {
  : >"$work/headers"
  : >"$work/body"
}

fail() {
  {
    printf 'FAILED: %s\n' "$1"
    if [ -s "$work/headers" ]; then printf '  last answer: %s\n' "$(head -n 1 "$work/headers" | tr -d '\r')"; fi
    if [ -s "$work/body" ]; then readable <"$work/body" | head -c 1200 | sed 's/^/  | /'; echo; fi
  } >&2
  exit 1
}

# request CURL_ARGUMENTS…: leaves $status, $work/headers and $work/body behind.
request() {
  forget_answer
  status=$(curl -sS --max-time 20 -o "$work/body" -D "$work/headers" -w '%{http_code}' "$@" 2>"$work/curl") ||
    fail "no answer: $(cat "$work/curl")"
}

expect_status() {
  [ "$status" = "$1" ] || fail "expected status $1, got $status"
}

# equal WHAT EXPECTED ACTUAL
equal() {
  [ "$2" = "$3" ] || fail "$1 should be '$2' and is '$3'"
}

present() {
  [ -n "$2" ] || fail "$1 is missing"
}

# The last answer's header NAME, as it was sent.
header() {
  awk -v name="$1:" 'tolower($1) == tolower(name) { sub(/^[^:]*: */, ""); value = $0 } END { print value }' "$work/headers" |
    tr -d '\r'
}

# A member of the last answer's JSON, by its path: member keys.0.kid. Nothing when it is absent.
member() {
  node -e '
    const [file, path] = process.argv.slice(1)
    const body = JSON.parse(require("node:fs").readFileSync(file, "utf8"))
    const found = path.split(".").reduce((at, name) => at?.[name], body)
    if (found !== undefined) process.stdout.write(typeof found === "object" ? JSON.stringify(found) : String(found))
  ' -- "$work/body" "$1" 2>/dev/null || fail "the answer is not JSON (looking for $1)"
}

# A hidden field of the form that posts to ACTION: form_field /sign-in csrf.
form_field() {
  node -e '
    const [file, base, action, field] = process.argv.slice(1)
    const html = require("node:fs").readFileSync(file, "utf8")
    const attribute = (tag, name) => tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1]
      .replaceAll("&quot;", "\"").replaceAll("&#39;", "\u0027").replaceAll("&lt;", "<").replaceAll("&amp;", "&")
    const forms = html.split("<form").slice(1)
    const form = forms.find((text) => new URL(attribute(" " + text.split(">")[0], "action") ?? "", base).pathname === action)
    const input = (form?.split("</form>")[0].match(/<input[^>]*>/g) ?? []).find((tag) => attribute(tag, "name") === field)
    if (input === undefined) process.exit(1)
    process.stdout.write(attribute(input, "value") ?? "")
  ' -- "$work/body" "$BASE_URL/" "$1" "$2" || fail "the page has no form that posts to $1 with a field $2"
}

# A query parameter of a URL.
parameter() {
  node -e 'process.stdout.write(new URL(process.argv[1]).searchParams.get(process.argv[2]) ?? "")' -- "$1" "$2"
}

random() {
  node -e 'process.stdout.write(require("node:crypto").randomBytes(Number(process.argv[1])).toString("base64url"))' -- "$1"
}

# A browser: one cookie jar, forms with our Origin; redirects are followed only as long as they stay on BASE_URL.
browse() {
  request -b "$work/cookies" -c "$work/cookies" -H "Origin: $BASE_URL" "$@"
  location=$(header location)
  while [ "$status" = 303 ] || [ "$status" = 302 ]; do
    case $location in
      /*) location=$BASE_URL$location ;;
      "$BASE_URL"/*) ;;
      *) return 0 ;;
    esac
    request -b "$work/cookies" -c "$work/cookies" "$location"
    location=$(header location)
  done
}

# The newest one-time code in the mailbox for an address.
emailed_code() {
  tries=0
  while [ "$tries" -lt 60 ]; do
    curl -sS --max-time 5 "$MAILBOX_URL/api/messages" >"$work/mail" 2>"$work/curl" ||
      fail "the mailbox does not answer: $(cat "$work/curl")"
    found=$(node -e '
      const [file, to] = process.argv.slice(1)
      const messages = JSON.parse(require("node:fs").readFileSync(file, "utf8"))
      const code = /\b\d{4}[ -]?\d{4}\b/
      const newest = messages.find((message) => String(message.to).includes(to) && code.test(message.text))
      process.stdout.write(code.exec(newest?.text ?? "")?.[0].replace(/\D/g, "") ?? "")
    ' -- "$work/mail" "$1")
    if [ -n "$found" ]; then
      printf '%s' "$found"
      return 0
    fi
    tries=$((tries + 1))
    sleep 1
  done
  fail "no mail with a code for $1 arrived at $MAILBOX_URL"
}

# introspect TOKEN: asks as the server, with its key.
introspect() {
  request -u "$server_id:$api_key" -d "token=$1" "$BASE_URL/introspect"
}

for tool in curl node; do
  command -v "$tool" >/dev/null || fail "$tool is needed and was not found"
done
example_node=$root/node_modules/.bin/node
[ -x "$example_node" ] || example_node=node

# ---------------------------------------------------------------- the owner

step "The authorization server at $BASE_URL is ready"
curl -sS -o /dev/null --max-time 20 "$BASE_URL/ready" 2>"$work/curl" ||
  fail "nothing answers at $BASE_URL: run npm start first, or name its address in BASE_URL ($(cat "$work/curl"))"
request "$BASE_URL/ready"
expect_status 200
passed

step "The mailbox at $MAILBOX_URL answers"
forget_answer
curl -sS -o "$work/mail" --max-time 20 "$MAILBOX_URL/api/messages" 2>"$work/curl" ||
  fail "nothing answers at $MAILBOX_URL: name the address that npm start printed in MAILBOX_URL ($(cat "$work/curl"))"
case $(head -c 1 "$work/mail") in
  '[') ;;
  *) fail "$MAILBOX_URL is no mailbox: name the address that npm start printed in MAILBOX_URL" ;;
esac
passed

step 'Discovery says where everything is (RFC 8414)'
request "$BASE_URL/.well-known/oauth-authorization-server"
expect_status 200
issuer=$(member issuer)
equal issuer "$BASE_URL" "$issuer"
equal code_challenge_methods_supported '["S256"]' "$(member code_challenge_methods_supported)"
authorization_endpoint=$(member authorization_endpoint)
token_endpoint=$(member token_endpoint)
revocation_endpoint=$(member revocation_endpoint)
userinfo_endpoint=$(member userinfo_endpoint)
present authorization_endpoint "$authorization_endpoint"
present token_endpoint "$token_endpoint"
passed "issuer $issuer"

step 'An owner registers an MCP server'
# Below those that a system gives out by itself: it has to be free still when the example starts.
port=$(node -e '
  const { randomInt } = require("node:crypto")
  const listen = () => {
    const server = require("node:net").createServer().on("error", listen)
    server.listen(randomInt(20000, 32768), "localhost", () => { console.log(server.address().port); server.close() })
  }
  listen()
')
server_url=http://localhost:$port/mcp
request -H 'Content-Type: application/json' -d "{
  \"server_url\": \"$server_url\",
  \"server_name\": \"test-oauth-flow.sh\",
  \"scopes\": [\"files:read\", \"files:write\"]
}" "$BASE_URL/api/servers"
expect_status 201
management_token=$(member management_token)
server_id=$(member server_id)
present management_token "$management_token"
present server_id "$server_id"
equal server_url "$server_url" "$(member server_url)"
passed "$server_id is $server_url"

step 'and makes an API key for it'
request -H "Authorization: Bearer $management_token" -H 'Content-Type: application/json' -d '{"name":"test-oauth-flow.sh"}' \
  "$BASE_URL/api/servers/$server_id/keys"
expect_status 201
api_key=$(member key_secret)
case $api_key in sk_*) ;; *) fail 'key_secret should begin with sk_' ;; esac
passed "$(member key_id)"

# ---------------------------------------------------------------- the person

step 'A program sends the person to the authorization page (PKCE, state, resource)'
code_verifier=$(random 32)
code_challenge=$(node -e 'process.stdout.write(require("node:crypto").createHash("sha256").update(process.argv[1]).digest("base64url"))' -- "$code_verifier")
state=$(random 12)
nonce=$(random 12)
email=e2e-$(node -e 'process.stdout.write(require("node:crypto").randomBytes(6).toString("hex"))')@example.com
redirect_uri=http://localhost:$port/callback
client_id=client_claude_code
browse -G "$authorization_endpoint" \
  --data-urlencode response_type=code --data-urlencode "client_id=$client_id" \
  --data-urlencode "redirect_uri=$redirect_uri" --data-urlencode "state=$state" --data-urlencode "nonce=$nonce" \
  --data-urlencode "code_challenge=$code_challenge" --data-urlencode code_challenge_method=S256 \
  --data-urlencode "resource=$server_url" --data-urlencode 'scope=openid email files:read files:write'
expect_status 200
transaction=$(form_field /sign-in transaction)
csrf=$(form_field /sign-in csrf)
passed 'the sign-in page, with a transaction of its own'

step "The person asks for a code for $email"
browse --data-urlencode "transaction=$transaction" --data-urlencode "csrf=$csrf" --data-urlencode "email=$email" \
  "$BASE_URL/sign-in"
expect_status 200
transaction=$(form_field /sign-in/code transaction)
csrf=$(form_field /sign-in/code csrf)
email_code=$(emailed_code "$email")
passed 'it is in the mailbox'

step 'signs in with it'
browse --data-urlencode "transaction=$transaction" --data-urlencode "csrf=$csrf" --data-urlencode "code=$email_code" \
  "$BASE_URL/sign-in/code"
expect_status 200
transaction=$(form_field /consent transaction)
csrf=$(form_field /consent csrf)
grep -q "localhost:$port" "$work/body" || fail "the consent page does not name the server's host"
grep -q "$email" "$work/body" || fail 'the consent page does not name the account'
passed 'the consent page names the server and the account'

step 'and approves reading, not writing'
browse --data-urlencode "transaction=$transaction" --data-urlencode "csrf=$csrf" --data-urlencode decision=approve \
  --data-urlencode scope=files:read "$BASE_URL/consent"
expect_status 303
equal state "$state" "$(parameter "$location" state)"
equal iss "$issuer" "$(parameter "$location" iss)"
code=$(parameter "$location" code)
present code "$code"
passed "back at the program with code, state and iss (RFC 9207)"

# ---------------------------------------------------------------- the program

exchange() {
  request --data-urlencode grant_type=authorization_code --data-urlencode "code=$code" \
    --data-urlencode "redirect_uri=$redirect_uri" --data-urlencode "client_id=$client_id" \
    --data-urlencode "code_verifier=$1" --data-urlencode "resource=$server_url" "$token_endpoint"
}

step 'A wrong PKCE verifier gets nothing'
exchange "$(random 32)"
expect_status 400
equal error invalid_grant "$(member error)"
passed "$(member error_description)"

step 'The right one gets tokens'
exchange "$code_verifier"
expect_status 200
equal token_type Bearer "$(member token_type)"
access_token=$(member access_token)
refresh_token=$(member refresh_token)
present access_token "$access_token"
present refresh_token "$refresh_token"
present id_token "$(member id_token)"
granted=$(member scope)
case " $granted " in *' files:write '*) fail 'files:write was unticked and is granted' ;; esac
case " $granted " in *' files:read '*) ;; *) fail 'files:read was approved and is not granted' ;; esac
equal Cache-Control no-store "$(header cache-control)"
passed "scope: $granted; for $(member expires_in) seconds"

step 'The example MCP server starts, protected by the key'
[ -f "$root/sdk/typescript/dist/index.js" ] || fail 'the SDK is not built: run npm start once'
(
  cd "$root"
  AUTH_AGENT_ISSUER=$issuer AUTH_AGENT_SERVER_ID=$server_id AUTH_AGENT_API_KEY=$api_key PORT=$port SERVER_URL=$server_url \
    exec "$example_node" examples/typescript-server/src/index.ts
) >"$work/example" 2>&1 &
example_pid=$!
tries=0
until curl -sS -o /dev/null --max-time 2 "http://localhost:$port/.well-known/oauth-protected-resource/mcp" 2>/dev/null; do
  kill -0 "$example_pid" 2>/dev/null || fail "it ended: $(tail -n 5 "$work/example")"
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || fail "it does not answer: $(tail -n 5 "$work/example")"
  sleep 1
done
passed "http://localhost:$port"

step 'It publishes where to get a token (RFC 9728)'
request "http://localhost:$port/.well-known/oauth-protected-resource/mcp"
expect_status 200
equal resource "$server_url" "$(member resource)"
equal authorization_servers "[\"$issuer\"]" "$(member authorization_servers)"
passed "resource $server_url, authorization server $issuer"

step 'Without a token it answers 401 and says so too'
request "http://localhost:$port/api/files"
expect_status 401
challenge=$(header www-authenticate)
case $challenge in *resource_metadata=*) ;; *) fail "the challenge names no resource_metadata: $challenge" ;; esac
passed "$challenge"

step 'With the token it answers'
request -H "Authorization: Bearer $access_token" "http://localhost:$port/api/files"
expect_status 200
passed "$(head -c 100 "$work/body")"

step 'Introspection knows the token (RFC 7662)'
introspect "$access_token"
expect_status 200
equal active true "$(member active)"
equal aud "$server_url" "$(member aud)"
equal client_id "$client_id" "$(member client_id)"
equal email "$email" "$(member email)"
subject=$(member sub)
passed "sub $subject, scope $(member scope)"

step 'and asks for a key'
request -u "$server_id:sk_invented" -d "token=$access_token" "$BASE_URL/introspect"
expect_status 401
passed 'an invented one is refused'

step 'Userinfo tells who it is (OpenID Connect)'
request -H "Authorization: Bearer $access_token" "$userinfo_endpoint"
expect_status 200
equal sub "$subject" "$(member sub)"
equal email "$email" "$(member email)"
passed "$(member email)"

# ---------------------------------------------------------------- staying connected, and not

refresh() {
  request --data-urlencode grant_type=refresh_token --data-urlencode "refresh_token=$1" \
    --data-urlencode "client_id=$client_id" --data-urlencode "resource=$server_url" "$token_endpoint"
}

step 'Refreshing rotates the refresh token'
refresh "$refresh_token"
expect_status 200
next_refresh_token=$(member refresh_token)
next_access_token=$(member access_token)
[ "$next_refresh_token" != "$refresh_token" ] || fail 'the refresh token stayed the same'
[ "$next_access_token" != "$access_token" ] || fail 'the access token stayed the same'
passed 'a new pair'

step 'A retry after a lost answer gets the same successor'
refresh "$refresh_token"
expect_status 200
equal refresh_token "$next_refresh_token" "$(member refresh_token)"
next_access_token=$(member access_token)
introspect "$next_access_token"
equal active true "$(member active)"
passed 'and a fresh access token'

step 'Revoking ends the connection (RFC 7009)'
request --data-urlencode "token=$next_refresh_token" --data-urlencode "client_id=$client_id" "$revocation_endpoint"
expect_status 200
passed

step 'Introspection knows nothing of its tokens any more'
for token in "$access_token" "$next_access_token"; do
  introspect "$token"
  expect_status 200
  equal body '{"active":false}' "$(cat "$work/body")"
done
passed '{"active":false}, at once'

step 'and the refresh token is dead'
refresh "$next_refresh_token"
expect_status 400
equal error invalid_grant "$(member error)"
passed "$(member error_description)"

step 'A code that was used once is refused'
exchange "$code_verifier"
expect_status 400
equal error invalid_grant "$(member error)"
passed "$(member error_description)"

step 'The owner deletes the server, and its key dies with it'
request -X DELETE -H "Authorization: Bearer $management_token" "$BASE_URL/api/servers/$server_id"
case $status in 200 | 204) ;; *) fail "expected status 204, got $status" ;; esac
introspect "$access_token"
expect_status 401
server_id=
passed

printf '\nAll %d steps went as they should.\n' "$step_number"
