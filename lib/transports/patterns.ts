/** A pattern of a message handler as text: as JSON unless it is a string. */
export function patternText(pattern: unknown): string {
  if (typeof pattern === 'string' || pattern instanceof RegExp) return String(pattern);
  return JSON.stringify(pattern) ?? String(pattern);
}
