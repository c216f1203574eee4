import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { CronJobs } from './cron-jobs.js';

/** Imported only by what runs in the scheduler role. */
@Module({ imports: [ScheduleModule.forRoot()], providers: [CronJobs], exports: [CronJobs] })
export class CronModule {}
