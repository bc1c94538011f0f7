import type { ClerkModuleOptions } from '../options/clerk-options.js';
import { resolveClerkOptions } from '../options/resolve-options.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';

const FRONTEND_API = 'clerk.example.com';

/** The `iss` of placeholder session tokens. */
export const PLACEHOLDER_ISSUER = `https://${FRONTEND_API}`;

/** A production key, since development instances require further options. */
const PUBLISHABLE_KEY = `pk_live_${Buffer.from(`${FRONTEND_API}$`).toString('base64')}`;

/**
 * The application's own options for a Clerk instance that does not exist and cannot be reached. All keys are replaced by
 * placeholders; the other options are resolved as usual.
 *
 * @throws ClerkConfigurationError as the application would.
 */
export function placeholderOptions(
  given: ClerkModuleOptions | undefined,
  env: Readonly<Record<string, string | undefined>>,
): ResolvedClerkOptions {
  const { CLERK_PUBLISHABLE_KEY: _, CLERK_SECRET_KEY, CLERK_MACHINE_SECRET_KEY, CLERK_JWT_KEY: __, ...others } = env;
  // An application with only a machine secret key accepts nothing but M2M tokens; keep it that way.
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
      // A port that fetch blocks, so no request is ever sent.
      apiUrl: 'http://127.0.0.1:1',
      telemetry: { disabled: true },
    },
    others,
  );
}
