import { Body, Controller, Delete, Get, HttpCode, Patch, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ApiProblems, IdParam, PageDto } from '../../http/index.js';
import type { Page } from '../../shared/page.js';
import { Can, Ctx, type TenantContext } from '../identity/index.js';
import { AbTestDto, AbTestInputDto, UpdateVariantDto, VariantDto, VariantInputDto, toVariantDto } from './dto/ab-test.dto.js';
import { VariantsService } from './variants.service.js';

/** The variants of an email step under test. */
@ApiTags('Steps')
@ApiBearerAuth()
@ApiExtraModels(AbTestDto, AbTestInputDto)
@Controller('api/campaigns/:id/steps/:stepId/variants')
export class VariantsController {
  constructor(private readonly variants: VariantsService) {}

  @ApiOperation({ summary: 'List the variants of an email step', description: 'In order; the first is the control. Always on one page.' })
  @ApiOkResponse({ type: PageDto(VariantDto) })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get()
  async listVariants(@Ctx() ctx: TenantContext, @IdParam('id') id: string, @IdParam('stepId') stepId: string): Promise<Page<VariantDto>> {
    return { data: (await this.variants.list(ctx, id, stepId)).map(toVariantDto), nextCursor: null };
  }

  @ApiOperation({
    summary: 'Add a variant',
    description: 'Behind those that are there, at most ten. A launch needs two at least. What a variant leaves out is taken from the step.',
  })
  @ApiCreatedResponse({ type: VariantDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @Post()
  async createVariant(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @Body() body: VariantInputDto,
  ): Promise<VariantDto> {
    return toVariantDto(await this.variants.create(ctx, id, stepId, body));
  }

  @ApiOperation({ summary: 'Get a variant' })
  @ApiOkResponse({ type: VariantDto })
  @ApiProblems(400, 404)
  @Can('campaigns:read')
  @Get(':variantId')
  async getVariant(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @IdParam('variantId') variantId: string,
  ): Promise<VariantDto> {
    return toVariantDto(await this.variants.get(ctx, id, stepId, variantId));
  }

  @ApiOperation({ summary: 'Change a variant', description: 'Only what is given changes; null takes from the step again.' })
  @ApiOkResponse({ type: VariantDto })
  @ApiProblems(400, 404, 409, 422)
  @Can('campaigns:write')
  @Patch(':variantId')
  async updateVariant(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @IdParam('variantId') variantId: string,
    @Body() body: UpdateVariantDto,
  ): Promise<VariantDto> {
    return toVariantDto(await this.variants.update(ctx, id, stepId, variantId, body));
  }

  @ApiOperation({ summary: 'Delete a variant' })
  @ApiNoContentResponse()
  @ApiProblems(400, 404, 409)
  @Can('campaigns:write')
  @HttpCode(204)
  @Delete(':variantId')
  async deleteVariant(
    @Ctx() ctx: TenantContext,
    @IdParam('id') id: string,
    @IdParam('stepId') stepId: string,
    @IdParam('variantId') variantId: string,
  ): Promise<void> {
    await this.variants.remove(ctx, id, stepId, variantId);
  }
}
