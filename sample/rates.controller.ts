import { Controller, Get } from '@nestjs/common';
import { Auth, Public } from 'nest-clerk';
import type { SignedInAuthObject, SignedOutAuthObject } from 'nest-clerk';

@Controller('rates')
export class RatesController {
  /** Open to everybody; those who are signed in are known all the same. */
  @Get()
  @Public()
  rates(@Auth() auth: SignedInAuthObject | SignedOutAuthObject) {
    return {
      vat: 0.19,
      greeting: auth.isAuthenticated ? `Hello ${auth.userId}` : 'Hello stranger',
    };
  }
}
