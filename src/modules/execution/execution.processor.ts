import { Processor } from '@nestjs/bullmq';
import { QUICK_RECOVERY, TypedProcessor } from '../../queue/index.js';
import { type ExecutionJobs, executionQueue } from './execution.jobs.js';
import { ExecutionService } from './execution.service.js';

@Processor(executionQueue.name, { ...QUICK_RECOVERY, concurrency: 4 })
export class ExecutionProcessor extends TypedProcessor<ExecutionJobs> {
  constructor(private readonly execution: ExecutionService) {
    super();
  }

  protected readonly handlers = {
    'enroll-campaign': (campaign: ExecutionJobs['enroll-campaign']) => this.execution.enroll(campaign),
    'advance-campaign': (campaign: ExecutionJobs['advance-campaign']) => this.execution.advance(campaign),
  };
}
