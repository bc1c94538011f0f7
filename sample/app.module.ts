import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ClerkModule } from 'nest-clerk';

import { AccountController } from './account.controller.js';
import { InvoicesController } from './invoices/invoices.controller.js';
import { InvoicesService } from './invoices/invoices.service.js';
import { WelcomeController } from './welcome.controller.js';

@Module({
  imports: [
    // Reads .env, where there is one, into the environment.
    ConfigModule.forRoot(),
    // This line closes the application. The keys come from CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY.
    ClerkModule.forRoot(),
  ],
  controllers: [WelcomeController, AccountController, InvoicesController],
  providers: [InvoicesService],
})
export class AppModule {}
