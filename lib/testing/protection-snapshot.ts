import { labelOf, summaryOf } from '../protection-map/format.js';
import { PROTECTION_MAP, type ProtectedRoute } from '../protection-map/protected-route.js';

/** An `INestApplication` or a `TestingModule`. */
export interface ApplicationLike {
  get(token: symbol): unknown;
}

/**
 * Returns who may call what in an application, for a snapshot test that fails when a route becomes public by mistake or
 * is added unnoticed. The sources of settings (method, class) are left out, so that moving a decorator changes nothing
 * as long as the same callers pass.
 *
 * @param app The application with its prefix and versioning, after `app.init()`.
 * @returns one line per route, by its name. Handlers of the same route (only the first is called) share a key.
 * @throws Error if the application has no ClerkModule.
 * @example
 * ```ts
 * expect(protectionMap(app)).toMatchInlineSnapshot(`
 *   {
 *     "POST /invoices": "strict | session_token | permission org:invoices:create | InvoicesController.create",
 *   }
 * `);
 * ```
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
