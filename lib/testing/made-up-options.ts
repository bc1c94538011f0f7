import type { ClerkModuleOptions } from '../options/clerk-options.js';
import { resolveClerkOptions } from '../options/resolve-options.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';

const FRONTEND_API = 'clerk.example.com';

/** The `iss` of made-up session tokens. */
export const MADE_UP_ISSUER = `https://${FRONTEND_API}`;

/** Looks like a production instance, which is what applications are written for: development ones ask for more. */
const PUBLISHABLE_KEY = `pk_live_${Buffer.from(`${FRONTEND_API}$`).toString('base64')}`;

/**
 * The application's own options, of a Clerk instance that does not exist and cannot be reached. Whatever names an
 * instance is made up, wherever it was given; the rest is settled as always.
 *
 * @throws ClerkConfigurationError as the application would.
 */
export function madeUpOptions(
  given: ClerkModuleOptions | undefined,
  env: Readonly<Record<string, string | undefined>>,
): ResolvedClerkOptions {
  const { CLERK_PUBLISHABLE_KEY: _, CLERK_SECRET_KEY, CLERK_MACHINE_SECRET_KEY, CLERK_JWT_KEY: __, ...others } = env;
  // Such an application accepts M2M tokens alone, which must not change by being tested.
  const machineOnly =
    !(given?.secretKey || CLERK_SECRET_KEY) && !!(given?.machineSecretKey || CLERK_MACHINE_SECRET_KEY);
  const frontendApiProxy = given?.frontendApiProxy && { ...given.frontendApiProxy, enabled: false };
  return resolveClerkOptions(
    {
      ...given,
      publishableKey: PUBLISHABLE_KEY,
      secretKey: machineOnly ? undefined : 'sk_live_madeUp',
      machineSecretKey: machineOnly ? 'ask_madeUp' : undefined,
      jwtKey: undefined,
      clerkClient: undefined,
      resolveOptions: undefined,
      frontendApiProxy,
      // A port that fetch refuses to use, so that not even this machine is asked.
      apiUrl: 'http://127.0.0.1:1',
      telemetry: { disabled: true },
    },
    others,
  );
}
