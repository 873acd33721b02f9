# The authorization server on plain workerd: `workerd serve worker.capnp` in the folder that the build made.
# Every variable comes from the environment (docs/configuration.md); one that is not set counts as absent.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "tick", worker = .tick),
    # URLs that strangers name are called over the public Internet only: a name that leads to an address of this machine
    # or its network gets no connection, whatever it said a moment ago.
    (name = "strangers", network = (allow = ["public"], tlsOptions = (trustBrowserCas = true))),
    # The database's surface and the carrier of mail are the operator's own, and may be on this machine.
    (name = "own", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))) ],
  sockets = [
    (name = "http", address = "127.0.0.1:9400", http = (), service = "worker"),
    # In place of a cron trigger: a GET here cleans up once, and /metrics tells how that went. Never let a proxy lead to it.
    (name = "tick", address = "127.0.0.1:9403", http = (), service = "tick") ] );

const worker :Workerd.Worker = (
  modules = [ (name = "worker.js", esModule = embed "worker.js") ],
  compatibilityDate = "2026-10-20",
  globalOutbound = "strangers",
  bindings = .variables );

const tick :Workerd.Worker = (
  modules = [ (name = "tick.js", esModule = embed "tick.js"), (name = "worker.js", esModule = embed "worker.js") ],
  compatibilityDate = "2026-10-20",
  globalOutbound = "strangers",
  bindings = .variables );

const variables :List(Workerd.Worker.Binding) = [
  (name = "DATABASE", service = "own"),
  (name = "MAIL", service = "own"),
  (name = "ISSUER", fromEnvironment = "ISSUER"),
  (name = "SUPABASE_URL", fromEnvironment = "SUPABASE_URL"),
  (name = "SUPABASE_KEY", fromEnvironment = "SUPABASE_KEY"),
  (name = "TOKEN_PEPPERS", fromEnvironment = "TOKEN_PEPPERS"),
  (name = "COOKIE_KEYS", fromEnvironment = "COOKIE_KEYS"),
  (name = "REGISTRATION_KEYS", fromEnvironment = "REGISTRATION_KEYS"),
  (name = "SIGNING_KEYS", fromEnvironment = "SIGNING_KEYS"),
  (name = "CLIENT_ADDRESS_HEADER", fromEnvironment = "CLIENT_ADDRESS_HEADER"),
  (name = "CLIENT_COUNTRY_HEADER", fromEnvironment = "CLIENT_COUNTRY_HEADER"),
  (name = "EMAIL_SENDER", fromEnvironment = "EMAIL_SENDER"),
  (name = "EMAIL_FROM", fromEnvironment = "EMAIL_FROM"),
  (name = "RESEND_API_KEY", fromEnvironment = "RESEND_API_KEY"),
  (name = "EMAIL_WEBHOOK_URL", fromEnvironment = "EMAIL_WEBHOOK_URL"),
  (name = "EMAIL_WEBHOOK_SECRET", fromEnvironment = "EMAIL_WEBHOOK_SECRET"),
  (name = "PRIVATE_USE_SCHEMES", fromEnvironment = "PRIVATE_USE_SCHEMES"),
  (name = "REGISTRATION", fromEnvironment = "REGISTRATION"),
  (name = "REDIRECT_EXCEPTIONS", fromEnvironment = "REDIRECT_EXCEPTIONS"),
  (name = "DNS_RESOLVER_URL", fromEnvironment = "DNS_RESOLVER_URL"),
  (name = "DOCUMENTS_ALLOW_LOOPBACK", fromEnvironment = "DOCUMENTS_ALLOW_LOOPBACK"),
  (name = "LIMITS", fromEnvironment = "LIMITS"),
  (name = "LIFETIMES", fromEnvironment = "LIFETIMES"),
  (name = "RETENTION", fromEnvironment = "RETENTION"),
  (name = "METRICS_TOKEN", fromEnvironment = "METRICS_TOKEN"),
  (name = "IDENTITY_PROVIDERS", fromEnvironment = "IDENTITY_PROVIDERS"),
  (name = "SERVICE_NAME", fromEnvironment = "SERVICE_NAME") ];
