import 'reflect-metadata';

import { SetMetadata } from '@nestjs/common';

import { requireGuard } from './guard-required.js';

/**
 * Metadata keys are spelled out: generated ones would differ between two copies of this library, and the guard of one
 * would not see the decorators of the other.
 */
export const PolicyMetadata = {
  Protection: 'nest-clerk:protection',
  AcceptsToken: 'nest-clerk:accepts-token',
  AllowPendingSession: 'nest-clerk:allow-pending-session',
  RedirectToSignIn: 'nest-clerk:redirect-to-sign-in',
  Requirements: 'nest-clerk:requirements',
  AuthParameters: 'nest-clerk:auth-parameters',
  CurrentUser: 'nest-clerk:current-user',
} as const;

export type PolicyMetadataKey = (typeof PolicyMetadata)[keyof typeof PolicyMetadata];

/** Appends to the metadata of exactly this class or handler; decorators of one kind add up. */
export function addMetadata(key: PolicyMetadataKey, value: unknown, target: object): void {
  const existing: unknown = Reflect.getOwnMetadata(key, target);
  // SetMetadata called as a class decorator writes to its target, whether class or handler.
  SetMetadata(key, [...(Array.isArray(existing) ? existing : []), value])(target as new () => unknown);
}

/**
 * Stores the metadata of a method a second time, under its class and name. A decorator that wraps the method in a
 * function of its own loses the metadata of the original function.
 */
export function addMethodMetadata(key: PolicyMetadataKey, value: unknown, owner: object, name: string | symbol): void {
  const existing: unknown = Reflect.getOwnMetadata(key, owner, name);
  Reflect.defineMetadata(key, [...(Array.isArray(existing) ? existing : []), value], owner, name);
}

/** Creates a decorator for classes and methods that appends one value under a key. */
export function policyDecorator(key: PolicyMetadataKey, value: unknown): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const decorated = (descriptor?.value as object | undefined) ?? target;
    addMetadata(key, value, decorated);
    if (name !== undefined) addMethodMetadata(key, value, target, name);
    if (restricts(key, value)) requireGuard(decorated);
  };
}

/** Whether a decorator restricts who may call, so that the handler must not run without a guard. */
function restricts(key: PolicyMetadataKey, value: unknown): boolean {
  if (key === PolicyMetadata.Protection) return value !== 'lax' && value !== 'skip';
  return key === PolicyMetadata.AcceptsToken || key === PolicyMetadata.Requirements;
}

/** Appends to the metadata of the handler that a parameter decorator belongs to. */
export function addParameterMetadata(
  key: PolicyMetadataKey,
  value: unknown,
  owner: object,
  name?: string | symbol,
): void {
  if (name === undefined) return;
  const handler = (owner as Record<string | symbol, unknown>)[name];
  if (typeof handler !== 'function') return;
  addMetadata(key, value, handler);
  addMethodMetadata(key, value, owner, name);
}
