import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';

import { isObject } from '../calls.js';

/** The metadata key of Nest's `@EventPattern()`. A literal, because `@nestjs/microservices` is optional. */
const HANDLER_TYPE = 'microservices:handler_type';
const EVENT_HANDLER = 2;
/**
 * Headers of a Kafka message that expects a response. Without them Nest treats it as an event, whatever its handler.
 */
const KAFKA_REPLY_HEADERS = ['kafka_correlationId', 'kafka_replyTopic'];

/** A registered symbol, shared by copies of this library. */
const UNANSWERED = Symbol.for('nest-clerk:unanswered');

/** Matches denials of events in `@Catch()`, by a mark. `RpcException`, their class, is in an optional package. */
export abstract class UnansweredDenial {
  static [Symbol.hasInstance](value: unknown): boolean {
    return isObject(value) && UNANSWERED in value;
  }
}

/** Marks a denial of a message that has no response. */
export function markUnanswered<E extends Error>(context: ExecutionContext, error: E): E {
  return isUnanswered(context) ? Object.defineProperty(error, UNANSWERED, { value: true }) : error;
}

function isUnanswered(context: ExecutionContext): boolean {
  return isEventHandler(context.getHandler()) || isKafkaEvent(context);
}

/** Whether a handler has `@EventPattern()`. */
export function isEventHandler(handler: object): boolean {
  return Reflect.getMetadata(HANDLER_TYPE, handler) === EVENT_HANDLER;
}

/** Whether a message came over Kafka, whose strategy redelivers a failed event. */
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
