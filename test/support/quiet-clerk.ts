/**
 * Clerk's packages print what they find wrong with a request, with a stack trace. Tests send wrong requests by the
 * thousand, and what is printed would look as if they had failed. All other output stays.
 */
for (const level of ['log', 'warn', 'error'] as const) {
  const print = globalThis.console[level];
  globalThis.console[level] = (...output: unknown[]) => {
    if (!new Error().stack?.includes('/node_modules/@clerk/')) print(...output);
  };
}
