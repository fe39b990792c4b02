"""The bug zoo, mended: for each animal the lines with its bug, and what stands there when it is mended."""

MENDED = {
    "01_lost_way": [
        ("grads[source] = slope * grads[value]", "grads[source] = grads.get(source, 0.0) + slope * grads[value]"),
    ],
    "02_wrong_order": [
        (
            "    grads, queue = {end: 1.0}, [end]\n    while queue:\n        value = queue.pop(0)\n",
            "    users = {}\n    waiting = [end]\n    while waiting:\n"
            "        value = waiting.pop()\n        for source, _ in value.made_of:\n"
            "            if source not in users:\n                waiting.append(source)\n"
            "            users[source] = users.get(source, 0) + 1\n"
            "    grads, queue = {end: 1.0}, [end]\n    while queue:\n        value = queue.pop(0)\n",
        ),
        (
            "            if source not in grads:\n                queue.append(source)\n",
            "            users[source] -= 1\n"
            "            if users[source] == 0:\n                queue.append(source)\n",
        ),
    ],
    "03_double_hook": [
        ("            if source in hooks:\n                sent = hooks[source](sent)\n", ""),
    ],
    "04_aliased_gradient": [
        ("        gy *= self.number\n        return gy\n", "        return gy * self.number\n"),
    ],
    "05_stale_mask": [
        ("return x * self.layer.mask", "self.mask = self.layer.mask\n        return x * self.mask"),
        ("return gy * self.layer.mask", "return gy * self.mask"),
    ],
    "06_missing_unbroadcast": [("return gy, gy", "return gy, gy.sum(0)")],
    "07_second_pass": [
        (
            "    end.grad = 1.0\n    for value in reversed(order_of(end)):\n",
            "    order = order_of(end)\n    for value in order:\n        if value.made_of:\n"
            "            value.grad = 0.0\n    end.grad = 1.0\n    for value in reversed(order):\n",
        ),
    ],
    "08_changed_weight": [
        ("        return x * w\n", "        self.x, self.w = x.copy(), w.copy()\n        return x * w\n"),
        (
            "        x, w = (tensor.array for tensor in self.inputs)\n        return gy * w, gy * x\n",
            "        return gy * self.w, gy * self.x\n",
        ),
    ],
    "09_wrong_axis": [("(gy * self.y).sum(0, keepdims=True)", "(gy * self.y).sum(1, keepdims=True)")],
    "10_square": [("self.x @ gy", "self.x.T @ gy")],
    "11_equal_values": [
        ("    order = []\n", "    order, seen = [], set()\n"),
        ("if value not in order:\n", "if id(value) not in seen:\n            seen.add(id(value))\n"),
    ],
    "12_ties": [
        (
            "return gy * (self.x == self.x.max())",
            "first = self.x == self.x.max()\n        return gy * first / first.sum()",
        ),
    ],
}
