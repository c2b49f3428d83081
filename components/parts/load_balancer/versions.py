"""MetalLB's chart. Next: https://metallb.io/release-notes/"""

CHART = "0.16.1"
REPOSITORY = "https://metallb.github.io/metallb"

BGP_TIMES = ("90s", "30s")
"""MetalLB's own holdTime and keepaliveTime: https://metallb.io/apis/#bgppeerspec"""
