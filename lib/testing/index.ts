export { LocalClerk, type LocalClerkModuleOptions, type LocalClerkOptions } from './local-clerk/local-clerk.js';
export type { InstanceType } from './local-clerk/local-instance.js';
export { LocalClerkError, type LocalClerkErrorCode } from './local-clerk/local-clerk.error.js';
export type { Handshake } from './local-clerk/frontend-api/browser-sessions.js';
export type { Fault, Outage } from './local-clerk/faults.js';
export type { ReceivedRequest } from './local-clerk/local-server.js';
export type { Ref } from './local-clerk/ids.js';
export type {
  CreateOrganizationOptions,
  CreateSessionOptions,
  CreateUserOptions,
  MachineJSON,
  StoredSession,
} from './local-clerk/resources.js';
export type { SignOptions, TokenKey } from './local-clerk/signing-keys.js';
export type { TemplateOptions } from './local-clerk/store.js';
export type {
  ApiKeyOptions,
  IssuedApiKey,
  IssuedMachineToken,
  M2MTokenOptions,
  MachineTokenOptions,
  OAuthTokenOptions,
  SessionTokenOptions,
  TemplateTokenOptions,
  TokenOptions,
} from './local-clerk/token-options.js';
export { protectionMap, type ApplicationLike } from './protection-snapshot.js';

export {
  apiKey,
  m2mToken,
  oauthToken,
  signedIn,
  signedOut,
  type ApiKeyObjectOptions,
  type M2MTokenObjectOptions,
  type OAuthTokenObjectOptions,
  type SignedInOptions,
} from './test-auth-objects.js';
export { TestCaller, type ProviderOverrider } from './test-caller.js';
export { ClerkTestingError, type ClerkTestingErrorCode } from './testing.error.js';
