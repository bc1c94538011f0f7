/// <reference types="nest-clerk/express" />
/// <reference types="nest-clerk/fastify" />
import type { Request } from 'express';
import type { FastifyRequest } from 'fastify';

/** Compiled inside of a user's application: the reference lines are found, and `auth` is there. */
export const callersOf = (request: Request, fastifyRequest: FastifyRequest) => [request.auth, fastifyRequest.auth];
