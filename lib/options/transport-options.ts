import type { ExecutionContext } from '@nestjs/common';

/**
 * What a call presents, where the application found it: a token (`Bearer ` before it may stay), or the headers of HTTP
 * that stand for it. Nothing at all for a call that presents nothing.
 */
export type PresentedCredentials = string | { readonly authorization?: string } | null | undefined;

/** Microservices: where their callers put their credentials. */
export interface RpcOptions {
  /**
   * Says what a message presents: of its metadata, or of the headers of its record. Without it every protected message
   * handler is denied, since a payload is never searched for credentials.
   *
   * It must answer at once, not with a promise. Where it throws, the call is denied.
   *
   * @example
   * credentials: (context) => context.switchToRpc().getContext<NatsContext>().getHeaders()?.get('authorization')
   */
  credentials(context: ExecutionContext): PresentedCredentials;
}
