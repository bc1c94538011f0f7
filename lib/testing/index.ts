export { LocalClerk, type LocalClerkModuleOptions, type LocalClerkOptions } from './local-clerk.js';
export type { InstanceType } from './local-instance.js';
export { LocalClerkError, type LocalClerkErrorCode } from './local-clerk.error.js';
export type { Handshake } from './frontend-api/browser-sessions.js';
export type { Outage } from './faults.js';
export type { ReceivedRequest } from './local-server.js';
export type { Ref } from './ids.js';
export type {
  CreateOrganizationOptions,
  CreateSessionOptions,
  CreateUserOptions,
  MachineJSON,
  StoredSession,
} from './resources.js';
export type { SignOptions, TokenKey } from './signing-keys.js';
export type { TemplateOptions } from './store.js';
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
} from './token-options.js';
