/**
 * The schema this code was written against; a migration that changes the functions raises it in mcp_data.settings. A newer one
 * is good as well: migrations go first, and add before they take away.
 */
export const oldestSchemaVersion = '20261127202000'
