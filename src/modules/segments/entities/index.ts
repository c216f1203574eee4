export { SegmentMember } from './segment-member.entity.js';
export { Segment } from './segment.entity.js';
