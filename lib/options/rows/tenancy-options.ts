import { functionOf } from '../option-checks.js';
import { option } from '../option-row.js';
import type { RequestOptions } from '../request-options.js';

/**
 * Returns the options of a request, for applications with many tenants.
 *
 * `publishableKey`, `secretKey`, `machineSecretKey`, `jwtKey` and `clerkClient` are taken from the result alone, never
 * from the module or the environment. Other options that it leaves out are the module's. If the function returns
 * nothing, or throws, the request is denied with 500 and the error is logged.
 *
 * Each option of the result is read once per request. Equal results share cached callers, so define functions and
 * clients once, outside of this function: new ones make another set of options. Keys, and the bounds on calls to Clerk,
 * are shared by all results with the same keys, `apiUrl`, `apiVersion` and bounds.
 *
 * @param request The platform's request: Express', Fastify's, or Node's in a middleware. For a microservice, the
 * transporter's context (`TcpContext`, …).
 * @example
 * ```ts
 * ClerkModule.forRoot({ resolveOptions: (request: Request) => tenants[request.hostname] });
 * ```
 */
export type ResolveOptions = (request: never) => RequestOptions | undefined | Promise<RequestOptions | undefined>;

/** How one application serves several Clerk instances. Apart from the other rows, which its type is derived from. */
export const TENANCY_OPTIONS = {
  /**
   * Returns the options of a request, for applications that serve several Clerk instances, by host for example. Keys and
   * client are then taken from the result alone, and the module needs no keys of its own.
   */
  resolveOptions: option({ scope: 'module', check: functionOf<ResolveOptions>() }),
};
