import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';

import { isObject } from '../calls.js';

/** Metadata of Nest's `@EventPattern()`, spelt out since `@nestjs/microservices` is optional. */
const HANDLER_TYPE = 'microservices:handler_type';
const EVENT_HANDLER = 2;
/** Headers of a Kafka message that wants an answer; without them Nest treats it as an event, whatever its handler. */
const KAFKA_REPLY_HEADERS = ['kafka_correlationId', 'kafka_replyTopic'];

/** A registered symbol, so that copies of this library share it. */
const UNANSWERED = Symbol.for('nest-clerk:unanswered');

/**
 * Matches, in `@Catch()`, the denials of events. They are told by a mark: `RpcException`, which they are instances of, is in
 * an optional package.
 */
export abstract class UnansweredDenial {
  static [Symbol.hasInstance](value: unknown): boolean {
    return isObject(value) && UNANSWERED in value;
  }
}

/** Marks a denial of a message that nobody answers. */
export function markUnanswered<E extends Error>(context: ExecutionContext, error: E): E {
  return isUnanswered(context) ? Object.defineProperty(error, UNANSWERED, { value: true }) : error;
}

function isUnanswered(context: ExecutionContext): boolean {
  return Reflect.getMetadata(HANDLER_TYPE, context.getHandler()) === EVENT_HANDLER || isKafkaEvent(context);
}

/** Whether a message came over Kafka, whose strategy delivers an event again that fails. */
export function isKafka(host: ArgumentsHost): boolean {
  const context = host.switchToRpc().getContext<unknown>();
  try {
    return isObject(context) && typeof (context as { getConsumer?: unknown }).getConsumer === 'function';
  } catch {
    return false;
  }
}

function isKafkaEvent(context: ExecutionContext): boolean {
  if (!isKafka(context)) return false;
  try {
    const message = context.switchToRpc().getContext<{ getMessage(): { headers?: object } }>().getMessage();
    const headers = (message.headers ?? {}) as Record<string, unknown>;
    return KAFKA_REPLY_HEADERS.some((name) => !headers[name]);
  } catch {
    return false;
  }
}
