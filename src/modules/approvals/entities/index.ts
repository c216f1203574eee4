export { ApprovalPolicy } from './approval-policy.entity.js';
export { CampaignApproval } from './campaign-approval.entity.js';
