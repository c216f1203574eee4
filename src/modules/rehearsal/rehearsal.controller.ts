import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam, parseInstant } from '../../http/index.js';
import { Can, Ctx, NoIdempotency, type TenantContext } from '../identity/index.js';
import { REHEARSAL_LIMITS, SimulateDto } from './dto/rehearsal-input.dto.js';
import { RehearsalDto } from './dto/rehearsal.dto.js';
import type { RehearsalRequest } from './rehearsal-loader.js';
import { RehearsalService } from './rehearsal.service.js';

/** Trying a campaign out before anybody gets anything. */
@ApiTags('Campaigns')
@ApiBearerAuth()
@Controller('api/campaigns/:id')
export class RehearsalController {
  constructor(private readonly rehearsals: RehearsalService) {}

  @ApiOperation({
    summary: 'Rehearse a campaign',
    description:
      'Runs the flow as it stands (or another version of it: a draft of an edit) on a clock of its own, for up to 10,000 people of the audience: who would get what and when, how many come to each step and ' +
      'which way they go, and who gets nothing and why. Nothing is sent, nothing is written; possible in any status. What people do (opens, clicks, replies, ' +
      'events) is assumed and drawn by the seed: the same seed gives the same answer. Branches by lot and variants are those that the real run gives the same ' +
      'people. `warnings` says what a rehearsal leaves out. One at a time for a tenant, two in a process (429).',
  })
  @ApiOkResponse({ type: RehearsalDto })
  @ApiProblems(400, 404, 422, 503)
  @ApiBody({ type: SimulateDto, required: false })
  @Can('campaigns:read')
  // It changes nothing, and its answer is too large to be kept.
  @NoIdempotency()
  @HttpCode(200)
  @Post('simulate')
  simulateCampaign(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @Body() body?: SimulateDto): Promise<RehearsalDto> {
    return this.rehearsals.rehearse(ctx, id, requestOf(body ?? new SimulateDto()));
  }
}

function requestOf({ seed, sample, startAt, assumptions, contactIds, includeEnrolled, version, contacts }: SimulateDto): RehearsalRequest {
  const { steps = [], events = [], ...reactions } = assumptions ?? {};
  return {
    seed,
    sample: sample ?? REHEARSAL_LIMITS.usualSample,
    startAt: parseInstant(startAt) ?? undefined,
    assumptions: {
      ...reactions,
      steps,
      events: events.map(({ name, rate, delayMinutes = REHEARSAL_LIMITS.usualEventDelayMinutes }) => ({ name, rate, delayMinutes })),
    },
    contactIds,
    includeEnrolled: includeEnrolled ?? false,
    version,
    contacts: { limit: contacts?.limit ?? REHEARSAL_LIMITS.usualShown, after: contacts?.after },
  };
}
