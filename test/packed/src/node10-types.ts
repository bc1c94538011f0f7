/// <reference types="nest-clerk/express" />
/// <reference types="nest-clerk/fastify" />
import type { Request } from 'express';
import type { FastifyRequest } from 'fastify';

/** Compiled inside a user's application: the reference lines resolve, and `auth` exists. */
export const callersOf = (request: Request, fastifyRequest: FastifyRequest) => [request.auth, fastifyRequest.auth];
