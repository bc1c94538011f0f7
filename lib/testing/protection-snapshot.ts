import { labelOf, summaryOf } from '../protection-map/format.js';
import { PROTECTION_MAP, type ProtectedRoute } from '../protection-map/protected-route.js';

/** What is needed of an application: `INestApplication` and `TestingModule` have it. */
export interface ApplicationLike {
  get(token: symbol): unknown;
}

/**
 * Who may call what in an application, as a plain value for a snapshot test: a route that opens by mistake, or appears
 * unnoticed, fails it. Where a word is said (on the method, on the class) is left out, so that moving a decorator
 * changes nothing as long as the same callers pass.
 *
 * @param app An application that is set up as yours is, prefix and versioning included, after `app.init()`.
 * @returns one line for each route, by its name. Handlers that share a place (the first one answers) share a key.
 * @throws Error where the application has no ClerkModule.
 * @example
 * expect(protectionMap(app)).toMatchInlineSnapshot(`
 *   {
 *     "POST /invoices": "strict | session_token | permission org:invoices:create | InvoicesController.create",
 *   }
 * `);
 */
export function protectionMap(app: ApplicationLike): Record<string, string> {
  const lines = new Map<string, string>();
  for (const route of mapOf(app).routes()) {
    const key = labelOf(route);
    const others = lines.get(key);
    lines.set(key, others === undefined ? summaryOf(route) : `${others}\n${summaryOf(route)}`);
  }
  return Object.fromEntries(lines);
}

function mapOf(app: ApplicationLike): { routes(): readonly ProtectedRoute[] } {
  try {
    return app.get(PROTECTION_MAP) as ReturnType<typeof mapOf>;
  } catch (cause) {
    throw new Error(
      'protectionMap(app) finds no protection map in this application: import ClerkModule.forRoot() in its root module.',
      { cause },
    );
  }
}
