# shellcheck shell=bash
# For steps that say `# uses: example`: where the page lies.

# example_page: the file that is served, alone in its folder
example_page() { printf '/srv/gpu-metal-example/page.html'; }

# example_unit: the file of the service
example_unit() { printf '/etc/systemd/system/gpu-metal-example.service'; }
