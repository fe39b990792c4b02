"""A one-stage detector and its loss, in the style of YOLO files."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPES = [(2, 3, 32, 32)]


def bbox_iou(box1, box2, x1y1x2y2=True):
    if not x1y1x2y2:
        b1_x1, b1_x2 = box1[:, 0] - box1[:, 2] / 2, box1[:, 0] + box1[:, 2] / 2
        b1_y1, b1_y2 = box1[:, 1] - box1[:, 3] / 2, box1[:, 1] + box1[:, 3] / 2
        b2_x1, b2_x2 = box2[:, 0] - box2[:, 2] / 2, box2[:, 0] + box2[:, 2] / 2
        b2_y1, b2_y2 = box2[:, 1] - box2[:, 3] / 2, box2[:, 1] + box2[:, 3] / 2
    else:
        b1_x1, b1_y1, b1_x2, b1_y2 = box1[:, 0], box1[:, 1], box1[:, 2], box1[:, 3]
        b2_x1, b2_y1, b2_x2, b2_y2 = box2[:, 0], box2[:, 1], box2[:, 2], box2[:, 3]
    inter_rect_x1 = torch.max(b1_x1, b2_x1)
    inter_rect_y1 = torch.max(b1_y1, b2_y1)
    inter_rect_x2 = torch.min(b1_x2, b2_x2)
    inter_rect_y2 = torch.min(b1_y2, b2_y2)
    inter_area = torch.clamp(inter_rect_x2 - inter_rect_x1, min=0) * torch.clamp(inter_rect_y2 - inter_rect_y1, min=0)
    b1_area = (b1_x2 - b1_x1) * (b1_y2 - b1_y1)
    b2_area = (b2_x2 - b2_x1) * (b2_y2 - b2_y1)
    return inter_area / (b1_area + b2_area - inter_area + 1e-16)


class YOLOLayer(nn.Module):
    def __init__(self, anchors, num_classes, img_dim=32):
        super().__init__()
        self.anchors = anchors
        self.num_anchors = len(anchors)
        self.num_classes = num_classes
        self.mse_loss = nn.MSELoss()
        self.bce_loss = nn.BCELoss()
        self.obj_scale, self.noobj_scale = 1, 100
        self.grid_size = 0
        self.img_dim = img_dim

    def compute_grid_offsets(self, grid_size, cuda=False):
        self.grid_size = g = grid_size
        FloatTensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor
        self.stride = self.img_dim / self.grid_size
        self.grid_x = torch.arange(g).repeat(g, 1).view([1, 1, g, g]).type(FloatTensor)
        self.grid_y = torch.arange(g).repeat(g, 1).t().view([1, 1, g, g]).type(FloatTensor)
        self.scaled_anchors = FloatTensor([(a_w / self.stride, a_h / self.stride) for a_w, a_h in self.anchors])
        self.anchor_w = self.scaled_anchors[:, 0:1].view((1, self.num_anchors, 1, 1))
        self.anchor_h = self.scaled_anchors[:, 1:2].view((1, self.num_anchors, 1, 1))

    def build_targets(self, pred_boxes, target):
        ByteTensor = torch.BoolTensor
        FloatTensor = torch.cuda.FloatTensor if pred_boxes.is_cuda else torch.FloatTensor
        nB, nA, nG = pred_boxes.size(0), pred_boxes.size(1), pred_boxes.size(2)
        obj_mask = ByteTensor(nB, nA, nG, nG).fill_(0)
        noobj_mask = ByteTensor(nB, nA, nG, nG).fill_(1)
        tx, ty = (FloatTensor(nB, nA, nG, nG).fill_(0) for _ in range(2))
        tw, th = (FloatTensor(nB, nA, nG, nG).fill_(0) for _ in range(2))
        tcls = FloatTensor(nB, nA, nG, nG, self.num_classes).fill_(0)
        target_boxes = target[:, 2:6] * nG
        gxy, gwh = target_boxes[:, :2], target_boxes[:, 2:]
        ious = torch.stack(
            [torch.min(anchor, gwh).prod(1) / (anchor.prod() + gwh.prod(1) + 1e-16) for anchor in self.scaled_anchors]
        )
        best_ious, best_n = ious.max(0)
        b, target_labels = target[:, :2].long().t()
        gx, gy = gxy.t()
        gw, gh = gwh.t()
        gi, gj = gxy.long().t()
        obj_mask[b, best_n, gj, gi] = 1
        noobj_mask[b, best_n, gj, gi] = 0
        for i, anchor_ious in enumerate(ious.t()):
            noobj_mask[b[i], anchor_ious > 0.4, gj[i], gi[i]] = 0
        tx[b, best_n, gj, gi] = gx - gx.floor()
        ty[b, best_n, gj, gi] = gy - gy.floor()
        tw[b, best_n, gj, gi] = torch.log(gw / self.scaled_anchors[best_n][:, 0] + 1e-16)
        th[b, best_n, gj, gi] = torch.log(gh / self.scaled_anchors[best_n][:, 1] + 1e-16)
        tcls[b, best_n, gj, gi, target_labels] = 1
        return obj_mask, noobj_mask, tx, ty, tw, th, tcls, obj_mask.float()

    def forward(self, x, targets=None, img_dim=None):
        num_samples, grid_size = x.size(0), x.size(2)
        prediction = (
            x.view(num_samples, self.num_anchors, self.num_classes + 5, grid_size, grid_size)
            .permute(0, 1, 3, 4, 2)
            .contiguous()
        )
        x, y = torch.sigmoid(prediction[..., 0]), torch.sigmoid(prediction[..., 1])
        w, h = prediction[..., 2], prediction[..., 3]
        pred_conf = torch.sigmoid(prediction[..., 4])
        pred_cls = torch.sigmoid(prediction[..., 5:])
        if grid_size != self.grid_size:
            self.compute_grid_offsets(grid_size, cuda=x.is_cuda)
        pred_boxes = torch.FloatTensor(prediction[..., :4].shape)
        pred_boxes[..., 0] = x.data + self.grid_x
        pred_boxes[..., 1] = y.data + self.grid_y
        pred_boxes[..., 2] = torch.exp(w.data) * self.anchor_w
        pred_boxes[..., 3] = torch.exp(h.data) * self.anchor_h
        output = torch.cat(
            (
                pred_boxes.view(num_samples, -1, 4) * self.stride,
                pred_conf.view(num_samples, -1, 1),
                pred_cls.view(num_samples, -1, self.num_classes),
            ),
            -1,
        )
        if targets is None:
            return output, 0
        obj_mask, noobj_mask, tx, ty, tw, th, tcls, tconf = self.build_targets(pred_boxes, targets)
        loss_x = self.mse_loss(x[obj_mask], tx[obj_mask]) + self.mse_loss(y[obj_mask], ty[obj_mask])
        loss_w = self.mse_loss(w[obj_mask], tw[obj_mask]) + self.mse_loss(h[obj_mask], th[obj_mask])
        loss_conf_obj = self.bce_loss(pred_conf[obj_mask], tconf[obj_mask])
        loss_conf_noobj = self.bce_loss(pred_conf[noobj_mask], tconf[noobj_mask])
        loss_conf = self.obj_scale * loss_conf_obj + self.noobj_scale * loss_conf_noobj
        loss_cls = self.bce_loss(pred_cls[obj_mask], tcls[obj_mask])
        return output, loss_x + loss_w + loss_conf + loss_cls


class Darknet(nn.Module):
    def __init__(self, num_classes=3):
        super().__init__()
        self.module_list = nn.ModuleList()
        filters = [3, 8, 8, 8]
        for i in range(3):
            modules = nn.Sequential()
            modules.add_module(f"conv_{i}", nn.Conv2d(filters[i], filters[i + 1], 3, 2, 1, bias=False))
            modules.add_module(f"batch_norm_{i}", nn.BatchNorm2d(filters[i + 1], momentum=0.9, eps=1e-5))
            modules.add_module(f"leaky_{i}", nn.LeakyReLU(0.1))
            self.module_list.append(modules)
        anchors = [(4, 6), (12, 10)]
        self.head = nn.Conv2d(8, len(anchors) * (num_classes + 5), 1)
        self.yolo = YOLOLayer(anchors, num_classes)

    def forward(self, x):
        targets = torch.tensor([[0, 1, 0.3, 0.6, 0.2, 0.3], [1, 2, 0.7, 0.2, 0.4, 0.3]])
        for module in self.module_list:
            x = module(x)
        output, loss = self.yolo(self.head(x), targets)
        boxes = output[..., :4].view(-1, 4)
        iou = bbox_iou(boxes[:1], boxes, x1y1x2y2=False)
        keep = torch.nonzero((iou > 0.3).squeeze())
        assert keep.size(1) == 1 and np.isfinite(loss.item())
        return output, loss, F.softplus(output[..., 4].mean())


def make():
    return Darknet()
