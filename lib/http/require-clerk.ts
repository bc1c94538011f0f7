import type { IncomingMessage, ServerResponse } from 'node:http';

import type { INestApplicationContext, Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import { RequireAuth } from '../decorators/protection.decorators.js';
import { ClerkConfigurationError, ClerkPolicyError } from '../errors/clerk.errors.js';
import { CallAuthorizer } from '../guard/call-authorizer.js';
import { CLIENT_ONLY, isClientOnly } from '../options/client-only.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import { GuardRequired } from '../policy/guard-required.js';
import { PolicyReader, type Handler } from '../policy/policy.reader.js';
import { PredicateInstances } from '../policy/predicate-instances.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { MountedCall, type Next } from './mounted-call.js';

/**
 * Strict middleware for what `main.ts` mounts and no guard covers: Swagger UI, static files, Express routers.
 *
 * Callers get the same responses as from ClerkGuard on a handler with the same decorators: 401, 403, 503, the redirect
 * to sign-in, the handshake, and the result of `onError`. After it, `getAuth(request)` returns the caller.
 *
 * It protects what is mounted **after** it, below the paths given to `app.use()`. `/docs` does not cover `/docs-json`.
 * CORS preflights carry no credentials: call `app.enableCors()` before it.
 *
 * @param app The application, which imports `ClerkModule`.
 * @param decorators The same decorators as on handlers: `AcceptsToken()`, `RequirePermission()`, `RequireThat()`,
 * `RedirectToSignIn()`, `AllowPendingSession()`. Without any, a signed-in session is required.
 * @throws ClerkConfigurationError if there is no publishable key
 * @throws ClerkPolicyError if the decorators contradict each other or can never be met
 * @example
 * ```ts
 * const app = await NestFactory.create(AppModule);
 * app.use(['/docs', '/docs-json', '/docs-yaml'], requireClerk(app, RequireRole('org:admin')));
 * SwaggerModule.setup('docs', app, document);
 * await app.listen(3000);
 * ```
 */
export function requireClerk(app: INestApplicationContext, ...decorators: readonly MethodDecorator[]) {
  if (isClientOnly(app.get(CLERK_OPTIONS))) throw new ClerkConfigurationError([CLIENT_ONLY]);
  const { type, handler } = routeWith([RequireAuth(), ...decorators]);
  const policy = app.get(PolicyReader).read(type, handler);
  assertNone([...policy.problems, ...(hasOtherEnhancers(handler) ? [OTHER_ENHANCERS] : [])]);

  const authorizer = app.get(CallAuthorizer);
  let prepared: Promise<void> | undefined;

  return async (request: IncomingMessage, response: ServerResponse, next: Next): Promise<void> => {
    try {
      // Prepare predicates on the first call. They are providers, which cannot be resolved before the application has
      // started.
      await (prepared ??= preparePredicates(app, type, policy));
      await authorizer.authorizeMounted(new MountedCall(type, handler, [request, response, next]));
    } catch (error) {
      // Express continues when next() gets a falsy value, so always pass an Error.
      return next(error instanceof Error ? error : new Error('requireClerk(): a non-Error value was thrown'));
    }
    next();
  };
}

/** Creates a new handler with the decorators. Logs and `onError` show its class and method name. */
function routeWith(decorators: readonly MethodDecorator[]): { readonly type: Type; readonly handler: Handler } {
  class MountedRoute {
    requireClerk(): void {
      // Never called: the mounted middleware responds.
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(MountedRoute.prototype, 'requireClerk') as PropertyDescriptor;
  for (const decorate of decorators) decorate(MountedRoute.prototype, 'requireClerk', descriptor);
  return { type: MountedRoute, handler: MountedRoute.prototype.requireClerk };
}

/** Metadata keys of Nest's own decorators. None of these enhancers runs before a middleware. */
const ENHANCERS = ['__guards__', '__interceptors__', '__pipes__', '__exceptionFilters__'];

const OTHER_ENHANCERS =
  'it takes decorators of nest-clerk only: guards, interceptors, pipes and filters of Nest do not run before a middleware.';

function hasOtherEnhancers(handler: Handler): boolean {
  const enhancers = ENHANCERS.flatMap(
    (key) => (Reflect.getMetadata(key, handler) as readonly unknown[] | undefined) ?? [],
  );
  return enhancers.some((enhancer) => enhancer !== GuardRequired);
}

async function preparePredicates(app: INestApplicationContext, type: Type, policy: RoutePolicy): Promise<void> {
  const [instances, moduleRef] = [app.get(PredicateInstances), app.get(ModuleRef)];
  const problems: string[] = [];
  for (const one of policy.requirements) {
    const problem = 'predicate' in one && (await instances.prepare(type, moduleRef, one.predicate));
    if (problem) problems.push(problem);
  }
  assertNone(problems);
}

/** @throws ClerkPolicyError if there are problems */
function assertNone(problems: readonly string[]): void {
  if (problems.length > 0) throw new ClerkPolicyError(problems.map((problem) => `requireClerk(): ${problem}`));
}
