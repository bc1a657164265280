/** What Node 24 has and TypeScript's library does not describe yet. */
interface JSON {
  /** A value that JSON.stringify writes as this text; the only way to write a number exactly. */
  rawJSON(text: string): unknown;
}
