/**
 * Clerk's packages log invalid requests to the console, with a stack trace. The tests send thousands of them, and the
 * output would look like failures. All other output is kept.
 */
for (const level of ['log', 'warn', 'error'] as const) {
  const print = globalThis.console[level];
  globalThis.console[level] = (...output: unknown[]) => {
    if (!new Error().stack?.includes('/node_modules/@clerk/')) print(...output);
  };
}
