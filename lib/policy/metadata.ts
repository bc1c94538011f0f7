import 'reflect-metadata';

import { SetMetadata } from '@nestjs/common';

import { requireGuard } from './guard-required.js';

/**
 * Metadata keys are spelt out: a generated one would differ between two copies of this library, and the guard of the
 * one would not see what the decorators of the other wrote.
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

/** Adds to what is already said about exactly this class or handler; decorators of one kind add up. */
export function addMetadata(key: PolicyMetadataKey, value: unknown, target: object): void {
  const said: unknown = Reflect.getOwnMetadata(key, target);
  // SetMetadata called as a class decorator writes to the given function, be it a class or a handler.
  SetMetadata(key, [...(Array.isArray(said) ? said : []), value])(target as new () => unknown);
}

/**
 * Where what is said about a method is kept a second time: under its class and name. A decorator that replaces the
 * method by a wrapper of its own leaves behind what was said about the function.
 */
export function addMethodMetadata(key: PolicyMetadataKey, value: unknown, owner: object, name: string | symbol): void {
  const said: unknown = Reflect.getOwnMetadata(key, owner, name);
  Reflect.defineMetadata(key, [...(Array.isArray(said) ? said : []), value], owner, name);
}

/** A decorator for classes and methods that adds one value under a key. */
export function policyDecorator(key: PolicyMetadataKey, value: unknown): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const decorated = (descriptor?.value as object | undefined) ?? target;
    addMetadata(key, value, decorated);
    if (name !== undefined) addMethodMetadata(key, value, target, name);
    if (closes(key, value)) requireGuard(decorated);
  };
}

/** Whether a decorator demands something of callers, so that a handler must not run where no guard reads it. */
function closes(key: PolicyMetadataKey, value: unknown): boolean {
  if (key === PolicyMetadata.Protection) return value !== 'public' && value !== 'skip-auth';
  return key === PolicyMetadata.AcceptsToken || key === PolicyMetadata.Requirements;
}

/** Adds to what is said about the handler that a parameter decorator stands in. */
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
