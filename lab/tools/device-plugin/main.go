// Command device-plugin is the lab's stand-in of NVIDIA's k8s-device-plugin: it offers a host's emulated GPUs to pods
// through the kubelet. A GPU is a device file /dev/nvidiaN of the host; without it, the GPU is unhealthy.
//
// What it reads, as NVIDIA's does: DEVICE_LIST_STRATEGY (envvar, cdi-annotations, cdi-cri), PASS_DEVICE_SPECS. The host's
// root is mounted at HOST_ROOT.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	plugin "k8s.io/kubernetes/pkg/kubelet/cm/devicemanager/plugin/v1beta1"
)

const (
	resource = "nvidia.com/gpu"
	kind     = "k8s.device-plugin.nvidia.com/gpu"
	socket   = pluginapi.DevicePluginPath + "nvidia-gpu.sock"
	interval = time.Second
)

var root = os.Getenv("HOST_ROOT")

// gpu is one emulated GPU: the number of its device file, and the UUID that the lab's nvidia-smi shows.
type gpu struct {
	index int
	uuid  string
}

func (g gpu) path() string { return fmt.Sprintf("/dev/nvidia%d", g.index) }

func (g gpu) there() bool {
	_, err := os.Stat(root + g.path())
	return err == nil
}

// found lists the GPUs that the host was fitted with, whether or not their device files are there now.
func found() ([]gpu, error) {
	fitted, err := os.ReadFile(root + "/usr/local/share/lab-gpus")
	if err != nil {
		return nil, err
	}
	count, err := strconv.Atoi(strings.Fields(string(fitted))[0])
	if err != nil {
		return nil, err
	}
	metal, err := os.ReadFile(root + "/etc/lab-metal")
	if err != nil {
		return nil, err
	}
	gpus := make([]gpu, count)
	for index := range gpus {
		sum := sha256.Sum256([]byte(fmt.Sprintf("%s/%d", strings.TrimRight(string(metal), "\n"), index)))
		text := hex.EncodeToString(sum[:])
		uuid := strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:32]}, "-")
		gpus[index] = gpu{index, "GPU-" + uuid}
	}
	return gpus, nil
}

func health(there bool) string {
	if there {
		return pluginapi.Healthy
	}
	return pluginapi.Unhealthy
}

// allocate answers the kubelet as NVIDIA's plugin does: environment, CDI names, device files.
func allocate(gpus []gpu, request *pluginapi.AllocateRequest) (*pluginapi.AllocateResponse, error) {
	strategy := strings.Split(os.Getenv("DEVICE_LIST_STRATEGY"), ",")
	response := &pluginapi.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		answer := &pluginapi.ContainerAllocateResponse{Envs: map[string]string{}}
		var chosen []gpu
		for _, id := range container.DevicesIds {
			at := slices.IndexFunc(gpus, func(each gpu) bool { return each.uuid == id })
			if at < 0 {
				return nil, fmt.Errorf("unknown GPU %s", id)
			}
			chosen = append(chosen, gpus[at])
		}
		slices.SortFunc(chosen, func(a, b gpu) int { return a.index - b.index })
		var uuids []string
		for _, each := range chosen {
			uuids = append(uuids, each.uuid)
			if slices.Contains(strategy, "cdi-cri") {
				answer.CdiDevices = append(answer.CdiDevices, &pluginapi.CDIDevice{Name: kind + "=" + each.uuid})
			}
			if os.Getenv("PASS_DEVICE_SPECS") == "true" {
				spec := &pluginapi.DeviceSpec{ContainerPath: each.path(), HostPath: each.path(), Permissions: "rw"}
				answer.Devices = append(answer.Devices, spec)
			}
		}
		if slices.Contains(strategy, "envvar") {
			answer.Envs["NVIDIA_VISIBLE_DEVICES"] = strings.Join(uuids, ",")
		}
		response.ContainerResponses = append(response.ContainerResponses, answer)
	}
	return response, nil
}

// writeSpec writes the CDI specification by which a runtime finds the devices of a CDI name.
func writeSpec(gpus []gpu) error {
	type edits map[string]any
	devices := make([]any, 0, len(gpus))
	for _, each := range gpus {
		nodes := []any{edits{"path": each.path()}}
		devices = append(devices, edits{"name": each.uuid, "containerEdits": edits{"deviceNodes": nodes}})
	}
	text, err := json.Marshal(edits{"cdiVersion": "0.5.0", "kind": kind, "devices": devices})
	if err != nil {
		return err
	}
	folder := root + "/var/run/cdi"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file := filepath.Join(folder, "k8s.device-plugin.nvidia.com-gpu.json")
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// watch tells the kubelet when a GPU is unplugged or comes back.
func watch(stub *plugin.Stub, gpus []gpu, devices []*pluginapi.Device) {
	for range time.Tick(interval) {
		changed := false
		for at, each := range gpus {
			// The stub keeps these devices, and lists them again to a kubelet that was restarted.
			if now := health(each.there()); devices[at].Health != now {
				log.Printf("%s (%s) is %s", each.path(), each.uuid, now)
				devices[at].Health, changed = now, true
			}
		}
		if changed {
			stub.Update(devices)
		}
	}
}

func run() error {
	gpus, err := found()
	if errors.Is(err, os.ErrNotExist) {
		log.Print("No devices found. Waiting indefinitely.")
		for { // not select {}, which Go's runtime calls a deadlock and ends
			time.Sleep(time.Hour)
		}
	}
	if err != nil {
		return err
	}
	if err := writeSpec(gpus); err != nil {
		return err
	}
	var devices []*pluginapi.Device
	for _, each := range gpus {
		devices = append(devices, &pluginapi.Device{ID: each.uuid, Health: health(each.there())})
	}
	stub := plugin.NewDevicePluginStub(devices, socket, resource, false, false)
	stub.SetAllocFunc(func(request *pluginapi.AllocateRequest, _ map[string]*pluginapi.Device) (*pluginapi.AllocateResponse, error) {
		return allocate(gpus, request)
	})
	if err := stub.Start(); err != nil {
		return err
	}
	if err := stub.Register(pluginapi.KubeletSocket, resource, ""); err != nil {
		return err
	}
	go watch(stub, gpus, devices)
	stub.Watch(pluginapi.KubeletSocket, resource, "")
	return nil
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
