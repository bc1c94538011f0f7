import type { AuthenticatedMachineObject, SignedInAuthObject, TokenType } from '@clerk/backend/internal';

const OF_ALL = ['tokenType', 'isAuthenticated', 'getToken', 'has', 'debug'] as const;

/** What `@Auth('…')` can give of an auth object, by the type of its token; signed out or in makes no difference. */
export const AUTH_PROPERTIES = {
  session_token: [
    ...OF_ALL,
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
    ...OF_ALL,
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
    ...OF_ALL,
    ...(['id', 'subject', 'scopes', 'claims', 'machineId'] satisfies (keyof AuthenticatedMachineObject<'m2m_token'>)[]),
  ],
  oauth_token: [
    ...OF_ALL,
    ...([
      'id',
      'subject',
      'scopes',
      'userId',
      'clientId',
    ] satisfies (keyof AuthenticatedMachineObject<'oauth_token'>)[]),
  ],
} as const satisfies Record<TokenType, readonly string[]>;
