import type { AuthenticatedMachineObject, SignedInAuthObject, TokenType } from '@clerk/backend/internal';

const COMMON = ['tokenType', 'isAuthenticated', 'getToken', 'has', 'debug'] as const;

/** The properties that `@Auth('…')` can select, by token type; the same whether signed in or out. */
export const AUTH_PROPERTIES = {
  session_token: [
    ...COMMON,
    'userId',
    'sessionId',
    'sessionClaims',
    'sessionStatus',
    'actor',
    'orgId',
    'orgRole',
    'orgSlug',
    'orgPermissions',
    'factorVerificationAge',
  ] satisfies (keyof SignedInAuthObject)[],
  api_key: [
    ...COMMON,
    ...([
      'id',
      'subject',
      'scopes',
      'name',
      'claims',
      'userId',
      'orgId',
    ] satisfies (keyof AuthenticatedMachineObject<'api_key'>)[]),
  ],
  m2m_token: [
    ...COMMON,
    ...(['id', 'subject', 'scopes', 'claims', 'machineId'] satisfies (keyof AuthenticatedMachineObject<'m2m_token'>)[]),
  ],
  oauth_token: [
    ...COMMON,
    ...([
      'id',
      'subject',
      'scopes',
      'userId',
      'clientId',
    ] satisfies (keyof AuthenticatedMachineObject<'oauth_token'>)[]),
  ],
} as const satisfies Record<TokenType, readonly string[]>;
