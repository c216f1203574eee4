export { ApprovalPolicy } from './approval-policy.entity.js';
export { ApprovalRequest } from './approval-request.entity.js';
export { CampaignApproval } from './campaign-approval.entity.js';
