import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../http/index.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { PacingSettingsDto } from './dto/pacing-settings.dto.js';
import { PacingService } from './pacing.service.js';

@ApiTags('pacing')
@ApiBearerAuth()
@Controller('api/pacing')
export class PacingController {
  constructor(private readonly service: PacingService) {}

  @Can('tenant:read')
  @Get()
  @ApiOperation({ summary: 'Get the pacing settings', description: 'What holds for all campaigns of the tenant.' })
  @ApiOkResponse({ type: PacingSettingsDto })
  getPacing(@Ctx() ctx: TenantContext): Promise<PacingSettingsDto> {
    return this.service.get(ctx) as Promise<PacingSettingsDto>;
  }

  @Can('tenant:manage')
  @Put()
  @ApiOperation({
    summary: 'Replace the pacing settings',
    description:
      'Quiet hours, frequency cap, rates per account and per domain, thresholds of automatic pauses. What is left out is not limited.',
  })
  @ApiOkResponse({ type: PacingSettingsDto })
  @ApiProblems(400, 415)
  replacePacing(@Ctx() ctx: TenantContext, @Body() body: PacingSettingsDto): Promise<PacingSettingsDto> {
    return this.service.replace(ctx, body) as Promise<PacingSettingsDto>;
  }
}
