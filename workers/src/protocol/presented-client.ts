/** How a caller says who it is: one of the registered methods, and nothing proven yet. */
export type PresentedClient =
  | { readonly method: 'none'; readonly client_id: string }
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post'
      readonly client_id: string
      /** The readings of one secret: clients differ in how they encode it. */
      readonly secrets: readonly string[]
    }
  | { readonly method: 'private_key_jwt'; readonly client_id: string; readonly assertion: string }
