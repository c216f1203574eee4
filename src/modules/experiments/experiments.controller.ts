import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems, IdParam } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { AbDecisionDto, ChooseWinnerDto, toDecisionDto } from './dto/winner.dto.js';
import { WinnerService } from './winner.service.js';

/** A/B tests of campaigns under way. */
@ApiTags('Steps')
@ApiBearerAuth()
@Controller('api/campaigns/:id/steps/:stepId')
export class ExperimentsController {
  constructor(private readonly winners: WinnerService) {}

  @ApiOperation({
    summary: 'Choose the winner of an A/B test',
    description:
      'Ends the test, or replaces its decision: whoever waits gets this variant at once, and so does everybody who comes later. What was ' +
      'planned before stays as it was. While the campaign is active or paused.',
  })
  @ApiOkResponse({ type: AbDecisionDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:launch')
  @HttpCode(200)
  @Post('winner')
  async chooseWinner(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @Body() { variantId }: ChooseWinnerDto,
  ): Promise<AbDecisionDto> {
    return toDecisionDto(await this.winners.choose(ctx, id, stepId, variantId));
  }
}
